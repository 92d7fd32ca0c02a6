//! x
mod json; 
pub mod limits; 
mod parallel; 
pub mod redact;
mod yaml;
