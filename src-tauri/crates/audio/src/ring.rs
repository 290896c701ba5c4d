//! The ring tone: two soft notes, made here (design, section 6).
