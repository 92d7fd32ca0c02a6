//! Objects that outlive their deletion.

crate::cause::family!(
    claim_in_use,
    finalizer,
    ignores_term,
    namespace_api_down,
    namespace_content,
    unkillable,
    volume_detach,
);
