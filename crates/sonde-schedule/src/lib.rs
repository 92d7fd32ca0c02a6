//! sonde-schedule
