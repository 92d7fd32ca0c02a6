//! sonde-diagnose
