//! Making sandboxes, and creating and starting containers.

mod memory;

crate::cause::family!(memory_unit,);
