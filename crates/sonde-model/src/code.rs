//! Stable codes of causes and the families they belong to.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stable code of a cause, `<FAMILY>-<NAME>`. A code is never reused for another meaning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Code(Cow<'static, str>);

impl Code {
    /// A code known at compile time.
    pub const fn new(code: &'static str) -> Self {
        Self(Cow::Borrowed(code))
    }

    /// The code as text, for example `OOM-CONTAINER-LIMIT`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The family named by the part before the first dash; `None` for a code of a newer version.
    pub fn family(&self) -> Option<Family> {
        let prefix = self.0.split('-').next()?;
        Family::ALL
            .iter()
            .copied()
            .find(|family| family.as_str() == prefix)
    }
}

impl From<String> for Code {
    fn from(code: String) -> Self {
        Self(Cow::Owned(code))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Declares the families once: variant, code prefix, title.
macro_rules! families {
    ($($variant:ident $prefix:literal $title:literal),+ $(,)?) => {
        /// A family of failure; the first part of a [`Code`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Family {
            $(#[doc = $title] #[serde(rename = $prefix)] $variant,)+
        }

        impl Family {
            /// Every family, in the order in which reports list them.
            pub const ALL: &'static [Family] = &[$(Family::$variant),+];

            /// The prefix of the family's codes.
            pub fn as_str(self) -> &'static str {
                match self { $(Family::$variant => $prefix),+ }
            }

            /// What the family is about, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Family::$variant => $title),+ }
            }
        }
    };
}

families! {
    Ctl "CTL" "control plane",
    Nod "NOD" "node",
    Los "LOS" "lost nodes",
    Sch "SCH" "scheduling",
    Adm "ADM" "refused before a pod exists",
    Img "IMG" "image",
    Dep "DEP" "volumes, ConfigMaps and Secrets",
    Cre "CRE" "create and start of containers",
    Ini "INI" "init containers",
    Hok "HOK" "lifecycle hooks",
    Rdy "RDY" "readiness",
    Liv "LIV" "liveness and startup probes",
    Ext "EXT" "exits",
    Oom "OOM" "memory kills",
    Evi "EVI" "eviction and preemption",
    Trm "TRM" "stuck deletion",
    Rol "ROL" "rollouts and scaling",
    Net "NET" "network and DNS",
    Svc "SVC" "service wiring",
    Slo "SLO" "slow or failing calls",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_names_its_family() {
        assert_eq!(Code::new("OOM-CONTAINER-LIMIT").family(), Some(Family::Oom));
        assert_eq!(Code::new("XYZ-THING").family(), None);
    }
}
