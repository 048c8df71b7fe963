//! A dialogue: questions over HTTP, one after the other, each with what its answer must be. It checks what
//! is no capability of a step, such as a page that only one exercise asks for.

use std::{fmt, str::FromStr};

use steps::Source;

use crate::{
    finding::{Checked, Finding, Verdict, lacks},
    subject::Subject,
    testbed::Testbed,
};

/// One question: `GET /peek 200 seen 1 times`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    method: String,
    path: String,
    status: u16,
    /// What the body must contain; there may be nothing.
    words: String,
}

impl FromStr for Question {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(4, ' ');
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let parsed = (|| {
            Some(Self {
                method: part()?.to_owned(),
                path: part().filter(|path| path.starts_with('/'))?.to_owned(),
                status: part()?.parse().ok()?,
                words: part().unwrap_or_default().to_owned(),
            })
        })();
        parsed.ok_or_else(|| {
            format!("{text:?} is no question; write METHOD PATH STATUS, and words of the body")
        })
    }
}

/// As it is written.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, path, status, words) = (&self.method, &self.path, self.status, &self.words);
        f.write_str(format!("{method} {path} {status} {words}").trim_end())
    }
}

/// Starts the subject on an empty Redis and asks it all of this. The lack is the first answer that is another.
pub fn ask(subject: &Subject, redis: &Source, questions: &[Question]) -> Finding {
    let end = try_ask(&Testbed::new(subject, redis), questions).err();
    end.unwrap_or_else(|| Finding::new(Verdict::Has, ""))
}

fn try_ask(testbed: &Testbed, questions: &[Question]) -> Checked {
    let (_redis, service) = testbed.service()?;
    for Question {
        method,
        path,
        status,
        words,
    } in questions
    {
        let answer = service.ask(method, path)?;
        if answer.status != *status || !answer.text().contains(words) {
            return lacks(format!(
                "{method} {path} answered\n{answer}\nexpected: {status} {words}"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_a_method_a_path_a_status_and_perhaps_words() {
        let question: Question = "GET /peek 200 seen 1 times".parse().unwrap();
        assert_eq!((question.status, &*question.words), (200, "seen 1 times"));
        assert_eq!("HEAD / 200".parse::<Question>().unwrap().words, "");
        for wrong in ["", "GET / fine", "GET peek 200", "GET  / 200"] {
            assert!(wrong.parse::<Question>().is_err(), "{wrong}");
        }
    }
}
