//! Amounts of resources.
#![no_main]

use sonde_model::{Quantity, bytes_text, cpu_text};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(quantity) = Quantity::parse(text) else {
        return;
    };
    bytes_text(quantity.units());
    cpu_text(quantity.milli());
    let other = Quantity::from_units(quantity.units());
    let _sum = quantity.plus(other).minus(other);
    let _words = (
        quantity.nano(),
        quantity.is_zero(),
        quantity.is_fractional(),
        quantity.suffix(),
    );
});
