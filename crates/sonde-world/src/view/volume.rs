//! A pod's volumes.

use super::{Amount, KeySelector, LocalReference};
use crate::view::LabelSelector;

view! {
    Volume {
        name: String,
        config_map: Option<ConfigMapVolume>,
        secret: Option<SecretVolume>,
        projected: Option<ProjectedVolume>,
        empty_dir: Option<EmptyDirVolume>,
        host_path: Option<HostPathVolume>,
        persistent_volume_claim: Option<ClaimVolume>,
        ephemeral: Option<EphemeralVolume>,
        nfs: Option<NfsVolume>,
        csi: Option<InlineCsiVolume>,
        #[serde(rename = "downwardAPI")] downward_api: Option<DownwardVolume>,
        image: Option<ImageVolume>,
    }
    ConfigMapVolume { name: String, optional: bool, items: Vec<KeyToPath> }
    SecretVolume { secret_name: String, optional: bool, items: Vec<KeyToPath> }
    KeyToPath { key: String, path: String }
    ProjectedVolume { sources: Vec<Projection> }
    Projection {
        config_map: Option<ConfigMapVolume>,
        secret: Option<SecretProjection>,
        service_account_token: Option<TokenProjection>,
    }
    SecretProjection { name: String, optional: bool, items: Vec<KeyToPath> }
    TokenProjection { path: String, audience: String }
    EmptyDirVolume { medium: String, size_limit: Option<Amount> }
    HostPathVolume { path: String, #[serde(rename = "type")] kind: String }
    ClaimVolume { claim_name: String, read_only: bool }
    EphemeralVolume { volume_claim_template: super::ClaimTemplate }
    NfsVolume { server: String, path: String, read_only: bool }
    InlineCsiVolume { driver: String, node_publish_secret_ref: Option<LocalReference> }
    DownwardVolume {}
    ImageVolume { reference: String, pull_policy: String }
    PodAffinityTerm {
        label_selector: Option<LabelSelector>,
        topology_key: String,
        namespaces: Vec<String>,
        namespace_selector: Option<LabelSelector>,
        match_label_keys: Vec<String>,
        mismatch_label_keys: Vec<String>,
    }
}

/// A ConfigMap or Secret that a pod needs, with the place that refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigUse {
    /// A Secret, else a ConfigMap.
    pub secret: bool,
    /// The object's name.
    pub name: String,
    /// The key, where one is named.
    pub key: Option<String>,
    /// May be missing.
    pub optional: bool,
    /// The field path in the pod, `spec.containers[0].env[1].valueFrom.secretKeyRef`.
    pub field: String,
    /// The container, for environment references.
    pub container: Option<String>,
    /// The volume, for volume references.
    pub volume: Option<String>,
}

impl super::Pod {
    /// Every ConfigMap and Secret that the pod's environment and volumes refer to, in the order of the spec.
    pub fn config_uses(&self) -> Vec<ConfigUse> {
        let mut uses = Vec::new();
        for (list, containers) in [
            ("initContainers", &self.spec.init_containers),
            ("containers", &self.spec.containers),
        ] {
            for (at, container) in containers.iter().enumerate() {
                let place = format!("spec.{list}[{at}]");
                environment_uses(container, &place, &mut uses);
            }
        }
        for (at, volume) in self.spec.volumes.iter().enumerate() {
            volume_uses(volume, &format!("spec.volumes[{at}]"), &mut uses);
        }
        uses
    }
}

fn environment_uses(container: &super::Container, place: &str, uses: &mut Vec<ConfigUse>) {
    let mut push = |secret, name: &str, key: Option<&str>, optional, field| {
        uses.push(ConfigUse {
            secret,
            name: name.to_owned(),
            key: key.map(ToOwned::to_owned),
            optional,
            field,
            container: Some(container.name.clone()),
            volume: None,
        });
    };
    for (at, source) in container.env_from.iter().enumerate() {
        if let Some(it) = &source.config_map_ref {
            push(
                false,
                &it.name,
                None,
                it.optional,
                format!("{place}.envFrom[{at}].configMapRef"),
            );
        }
        if let Some(it) = &source.secret_ref {
            push(
                true,
                &it.name,
                None,
                it.optional,
                format!("{place}.envFrom[{at}].secretRef"),
            );
        }
    }
    for (at, variable) in container.env.iter().enumerate() {
        let Some(from) = &variable.value_from else {
            continue;
        };
        let selectors: [(bool, &Option<KeySelector>, &str); 2] = [
            (false, &from.config_map_key_ref, "configMapKeyRef"),
            (true, &from.secret_key_ref, "secretKeyRef"),
        ];
        for (secret, selector, word) in selectors {
            if let Some(it) = selector {
                let field = format!("{place}.env[{at}].valueFrom.{word}");
                push(secret, &it.name, Some(&it.key), it.optional, field);
            }
        }
    }
}

fn volume_uses(volume: &Volume, place: &str, uses: &mut Vec<ConfigUse>) {
    let mut push = |secret, name: &str, items: &[KeyToPath], optional, field: String| {
        let mut one = |key: Option<&str>, field: String| {
            uses.push(ConfigUse {
                secret,
                name: name.to_owned(),
                key: key.map(ToOwned::to_owned),
                optional,
                field,
                container: None,
                volume: Some(volume.name.clone()),
            });
        };
        if items.is_empty() {
            one(None, field);
        } else {
            for (at, item) in items.iter().enumerate() {
                one(Some(&item.key), format!("{field}.items[{at}]"));
            }
        }
    };
    if let Some(it) = &volume.config_map {
        push(
            false,
            &it.name,
            &it.items,
            it.optional,
            format!("{place}.configMap"),
        );
    }
    if let Some(it) = &volume.secret {
        push(
            true,
            &it.secret_name,
            &it.items,
            it.optional,
            format!("{place}.secret"),
        );
    }
    for (at, source) in volume
        .projected
        .iter()
        .flat_map(|it| it.sources.iter().enumerate())
    {
        if let Some(it) = &source.config_map {
            push(
                false,
                &it.name,
                &it.items,
                it.optional,
                format!("{place}.projected.sources[{at}].configMap"),
            );
        }
        if let Some(it) = &source.secret {
            push(
                true,
                &it.name,
                &it.items,
                it.optional,
                format!("{place}.projected.sources[{at}].secret"),
            );
        }
    }
}
