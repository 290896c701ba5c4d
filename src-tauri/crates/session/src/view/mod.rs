//! What crosses the border to windows and scripts: serialisable views, made from the core's.
//!
//! The names are those of headless section 3. `ui/src/backend/generated` is written from here.

mod desk;
mod directory;
mod shown;
mod task;
mod update;

pub use desk::{
    AgentState, AgentView, Choice, Connection, Devices, Echo, Link, LoginOption, NextState, Noise,
    Snapshot, StationView, VoiceSettings,
};
pub use directory::{DirectoryItem, DirectoryKind, DirectoryPage, Presence};
pub use task::{
    AutoWrapup, Can, Conference, Consult, ConsultState, ConsultType, Customer, Direction,
    Participant, Phase, Recording, TaskView, Variable,
};
pub use update::{Change, CommandErrorView, QualityLevel, QualityView, Side, Update, Verdict, Way};
