//! Lost nodes and the pods on them.

crate::cause::family!(kubelet_silent);
