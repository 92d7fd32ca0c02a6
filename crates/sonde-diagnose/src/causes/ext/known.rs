//! What known components say of themselves, in plain words, and what to do about it.

use sonde_grammar::log::{AppSign, Known, ProxyFlag};

use super::words::quote;

/// Whose words they are.
pub(super) fn speaker(sign: &AppSign) -> &'static str {
    match sign {
        AppSign::Known(Known::EtcdFull | Known::EtcdSlowDisk | Known::EtcdNoLeader) => "etcd",
        AppSign::Known(Known::DnsLoop) => "CoreDNS",
        AppSign::Known(Known::BrokerAlarm { .. }) => "RabbitMQ",
        AppSign::Known(Known::RedisFull) => "Redis",
        AppSign::Known(
            Known::ApiServerRefuses { .. } | Known::RolloutStuck { .. } | Known::WaitedInVain { .. },
        ) => "kubectl",
        AppSign::Known(Known::HelmLocked | Known::HelmFailed { .. }) => "helm",
        AppSign::Known(Known::Proxy { .. }) => "a proxy",
        _ => "the application",
    }
}

pub(super) fn clause(known: &Known) -> String {
    match known {
        Known::EtcdFull => "its database is as large as its quota allows, so it takes no more writes, and the cluster cannot be changed".into(),
        Known::EtcdSlowDisk => "its disk is too slow: writes take longer than a heartbeat may".into(),
        Known::EtcdNoLeader => "a member has lost its leader; until one is elected nothing can be written".into(),
        Known::DnsLoop => "its own queries come back to it: the resolver that it forwards to leads to itself".into(),
        Known::NodeSetting { name: name @ ("nofile" | "nproc" | "memlock") } => {
            format!("the limit {name} of its processes, which the container runtime sets, is too low for it")
        }
        Known::NodeSetting { name } => format!("the node's kernel setting {name} is too low for it"),
        Known::BrokerAlarm { resource } => {
            format!("it is short of {resource} by its own limit, and blocks whoever publishes")
        }
        Known::RedisFull => "its memory has reached maxmemory, so it refuses writes".into(),
        Known::ApiServerRefuses { server } => format!("nobody listens at {server}, where the API server should be"),
        Known::RolloutStuck { workload } => format!("the rollout of {workload} made no progress within its deadline"),
        Known::WaitedInVain { what } => format!("what it waited for did not come true in time: {what}"),
        Known::HelmLocked => "the release is locked by another operation, which goes on or was cut off".into(),
        Known::HelmFailed { detail } => format!("the release could not be installed or changed: {}", quote(detail)),
        Known::Proxy { flag, upstream } => {
            let upstream = upstream.as_deref().unwrap_or("the service behind it");
            match flag {
                ProxyFlag::ConnectionFailure => format!("it gets no connection to {upstream}"),
                ProxyFlag::NoHealthyHost => format!("{upstream} has no healthy host"),
                ProxyFlag::Closed => format!("{upstream} closes the connection before it has answered"),
                ProxyFlag::RetriesExceeded => format!("{upstream} fails for as often as it may be tried"),
                ProxyFlag::NoRoute => format!("no route is configured for requests to {upstream}"),
                ProxyFlag::NoCluster => format!("the proxy knows no cluster {upstream}"),
                ProxyFlag::Timeout => format!("{upstream} does not answer in time"),
                ProxyFlag::Overflow => format!("{upstream} has as many requests as its circuit breaker allows"),
            }
        }
    }
}

/// The command that looks closer.
pub(super) fn look(known: &Known) -> Option<(&'static str, String)> {
    match known {
        Known::RolloutStuck { workload } => Some((
            "what its pods say",
            format!("kubectl describe {workload} -n NAMESPACE"),
        )),
        Known::WaitedInVain { what } if what.contains('/') && !what.contains(' ') => Some((
            "what it says of itself",
            format!("kubectl describe {what} -n NAMESPACE"),
        )),
        _ => advice(known).1.map(|(what, command)| (what, command.to_owned())),
    }
}

/// What to do about it, and the command that looks closer where its words are always the same.
pub(super) fn advice(known: &Known) -> (&'static str, Option<(&'static str, &'static str)>) {
    match known {
        Known::EtcdFull => (
            "compact and defragment etcd, then disarm the alarm (etcdctl compact, defrag, alarm disarm); raise --quota-backend-bytes (at most 8 GiB), and find what writes so many objects",
            Some((
                "how large the database is, and which alarms are set",
                "etcdctl endpoint status --cluster -w table && etcdctl alarm list",
            )),
        ),
        Known::EtcdSlowDisk => (
            "give etcd a disk of its own that is fast to sync (SSD), and look for what else writes to it",
            Some(("whether the disk is fast enough for etcd", "etcdctl check perf")),
        ),
        Known::EtcdNoLeader => (
            "see that more than half of the members run, reach each other on port 2380 and have fast disks",
            Some((
                "which member leads, and which are healthy",
                "etcdctl endpoint status --cluster -w table && etcdctl endpoint health --cluster",
            )),
        ),
        Known::DnsLoop => (
            "let CoreDNS forward to a real resolver: the node's /etc/resolv.conf names a local one (systemd-resolved: 127.0.0.53); set resolvConf of the kubelet to /run/systemd/resolve/resolv.conf, or name a server in the Corefile's forward",
            Some((
                "where it forwards to",
                "kubectl get configmap coredns -n kube-system -o yaml",
            )),
        ),
        Known::NodeSetting {
            name: "vm.max_map_count",
        } => (
            "raise it on each node that may run the pod (sysctl -w vm.max_map_count=262144, and in /etc/sysctl.d), by hand, by a DaemonSet or by a privileged init container; a pod's env cannot",
            Some((
                "the node's present value",
                "kubectl debug node/NODE -it --image=busybox -- cat /proc/sys/vm/max_map_count",
            )),
        ),
        Known::NodeSetting {
            name: "nofile" | "nproc" | "memlock",
        } => (
            "raise the limit of the container runtime's service on the node (LimitNOFILE, LimitNPROC, LimitMEMLOCK of containerd or CRI-O); a pod's spec cannot",
            None,
        ),
        Known::NodeSetting { .. } => (
            "raise it on the node (sysctl -w, and in /etc/sysctl.d); all containers of a user on the node share it",
            Some((
                "the node's present values",
                "kubectl debug node/NODE -it --image=busybox -- grep -r . /proc/sys/fs/inotify",
            )),
        ),
        Known::BrokerAlarm { resource: "disk" } => (
            "give its volume more room, or let consumers empty the queues; the alarm clears itself",
            Some((
                "which alarms are set",
                "kubectl exec POD -n NAMESPACE -- rabbitmq-diagnostics alarms",
            )),
        ),
        Known::BrokerAlarm { .. } => (
            "let consumers empty the queues, or give it more memory (limit and vm_memory_high_watermark); the alarm clears itself",
            Some((
                "which alarms are set",
                "kubectl exec POD -n NAMESPACE -- rabbitmq-diagnostics alarms",
            )),
        ),
        Known::RedisFull => (
            "raise maxmemory (and the container's limit above it), or set a maxmemory-policy that evicts",
            Some((
                "how full it is, and what it may evict",
                "kubectl exec POD -n NAMESPACE -- redis-cli info memory",
            )),
        ),
        Known::ApiServerRefuses { .. } => (
            "see on the control plane's machine that the API server runs (its static pod, its log, etcd behind it); where it does, mend the address in the kubeconfig",
            Some((
                "whether it runs, and what it said last",
                "crictl ps -a --name kube-apiserver",
            )),
        ),
        Known::RolloutStuck { .. } => (
            "see why its new pods do not become ready: their description and log tell, pasted as well; or go back (kubectl rollout undo)",
            None,
        ),
        Known::WaitedInVain { .. } => (
            "see what it waits for: the object's description tells, pasted as well; kubectl's own time-out says nothing of the reason",
            None,
        ),
        Known::HelmLocked => (
            "wait for the other operation; where none runs any more, roll back to the last revision that was deployed (helm rollback RELEASE REVISION)",
            Some(("which revision is pending", "helm history RELEASE -n NAMESPACE")),
        ),
        Known::HelmFailed { .. } => (
            "mend what its words name, and run it again; a failed release is shown by helm history",
            Some((
                "what became of the release's objects",
                "helm status RELEASE -n NAMESPACE",
            )),
        ),
        Known::Proxy { flag, .. } => match flag {
            ProxyFlag::NoRoute | ProxyFlag::NoCluster => (
                "see that the host and path of the request are configured (VirtualService, HTTPRoute, Ingress) and the service exists",
                None,
            ),
            _ => (
                "see that the pods of the service behind it run, are ready and listen on that port; in a mesh, that both sides agree on mTLS",
                Some((
                    "its endpoints",
                    "kubectl get endpointslices -n NAMESPACE -l kubernetes.io/service-name=NAME",
                )),
            ),
        },
    }
}
