//! Somebody who looks at a figure.

use browser::Browser;
use serde_json::Value;

use crate::{IS_LOADED, open, url};

/// Somebody who looks at the first figure of its kind on a page.
pub struct Reader {
    pub browser: Browser,
    page: &'static str,
    element: &'static str,
}

impl Reader {
    /// Opens the page on a desk; `None` where there is no browser.
    pub fn open(page: &'static str, element: &'static str) -> Option<Self> {
        let (_, mut browser) = open()?;
        browser.resize(1280);
        let mut reader = Self {
            browser,
            page,
            element,
        };
        reader.go();
        Some(reader)
    }

    /// Opens the page anew.
    pub fn go(&mut self) {
        self.browser.go(&url(self.page));
    }

    /// Waits until something is so, in which `F` is the figure.
    #[track_caller]
    pub fn wait_for(&mut self, expression: &str) {
        let expression = self.with_figure(expression);
        self.browser.wait_for(&expression);
    }

    /// The value of something, in which `F` is the figure.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let expression = self.with_figure(expression);
        self.browser.evaluate(&expression)
    }

    /// Looks at the figure, with the focus on a part of it.
    pub fn focus(&mut self, part: &str) {
        self.wait_for(&format!("{IS_LOADED} && F.duration > 0"));
        self.evaluate(&format!(
            "F.scrollIntoView(), F.querySelector('{part}').focus()"
        ));
        self.wait_for("F.isInSight");
    }

    /// Lets some frames pass: what is to go on would have gone on.
    pub fn let_time_pass(&mut self) {
        self.evaluate("window.isLater = false, setTimeout(() => { window.isLater = true; }, 300)");
        self.wait_for("window.isLater");
    }

    fn with_figure(&self, expression: &str) -> String {
        let element = self.element;
        format!("(F => ({expression}))(document.querySelector('{element}'))")
    }
}
