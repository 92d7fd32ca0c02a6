//! sonde-grammar
