//! What the wire, audio and GUI tests share.
