//! sonde-world
