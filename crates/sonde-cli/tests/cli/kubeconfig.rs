//! Kubeconfigs for tests.

use std::path::PathBuf;

use crate::run::empty_folder;

/// A kubeconfig with one context, `test`, in namespace `shop`.
pub(crate) fn for_server(url: &str) -> PathBuf {
    let path = empty_folder("kubeconfig").join("config");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         clusters:\n- name: c\n  cluster: {{server: \"{url}\"}}\n\
         users:\n- name: u\n  user: {{token: not-a-real-token}}\n\
         contexts:\n- name: test\n  context: {{cluster: c, user: u, namespace: shop}}\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}
