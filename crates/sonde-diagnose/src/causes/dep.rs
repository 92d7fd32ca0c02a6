//! What a pod depends on: ConfigMaps, Secrets, claims, volumes.

crate::cause::family!(config_missing);
