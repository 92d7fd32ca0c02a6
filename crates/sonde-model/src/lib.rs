//! sonde-model
