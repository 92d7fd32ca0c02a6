//! Objects that outlive their deletion.

#[cfg(test)]
mod contracts;
mod forced;

pub(crate) use forced::forced_delete_leaves;

crate::cause::family!(
    claim_in_use,
    finalizer,
    ignores_term,
    namespace_api_down,
    namespace_content,
    unkillable,
    volume_detach,
);
