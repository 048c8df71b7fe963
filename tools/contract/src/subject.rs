//! What is checked.

use std::net::SocketAddr;

use steps::{Program, Step};

/// What is checked.
pub enum Subject {
    /// A step, started by the suite.
    Step {
        /// Such as `step-2-redis`.
        name: String,
        /// Such as 2.
        number: u32,
        /// What starts it.
        program: Program,
    },
    /// A server that runs already, in whichever language.
    Url {
        /// As it was typed.
        url: String,
        /// Where that leads.
        addr: SocketAddr,
    },
}

impl Subject {
    /// A step that is built already.
    pub fn step(step: &Step, program: &Program) -> Self {
        Self::Step {
            name: step.name.clone(),
            number: step.number,
            program: program.clone(),
        }
    }

    /// A server that runs already.
    ///
    /// # Errors
    ///
    /// When the URL is not of the form `http://host[:port]`, or the host is not known.
    pub fn url(url: &str) -> Result<Self, String> {
        let parsed = load::Url::parse(url)?;
        let expected = "expected the URL of a server such as http://localhost:8000";
        if parsed.path != "/" {
            return Err(format!("{url:?} names a page; {expected}"));
        }
        let addr = parsed.addr();
        let addr = addr.map_err(|error| format!("{url:?} leads nowhere: {error}; {expected}"))?;
        Ok(Self::Url {
            url: url.to_owned(),
            addr,
        })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Step { name, .. } => name,
            Self::Url { url, .. } => url,
        }
    }
}
