//! Memory kills: the kernel took a process because something was out of memory.

crate::cause::family!(container_limit);
