//! Links between the pages of the repository lead somewhere.
//! Not here: links to other sites.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Every page of the repository in Markdown.
fn markdown(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        let is_ours = !name.starts_with('.') && name != "target" && name != "node_modules";
        if is_ours && path.is_dir() {
            markdown(&path, found);
        } else if is_ours && path.extension().is_some_and(|ending| ending == "md") {
            found.push(path);
        }
    }
}

/// What links within `text` call its headings, as the usual sites make it.
fn anchors(text: &str) -> BTreeSet<String> {
    let outside_code = text.split("```").step_by(2).flat_map(str::lines);
    let headings = outside_code.filter(|line| line.starts_with('#'));
    let slug = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        words.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
    };
    headings.map(slug).collect()
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let mut pages = Vec::new();
    markdown(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut pages);
    let mut broken = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        let outside_code = text.split("```").step_by(2).flat_map(|part| part.split("](").skip(1));
        for link in outside_code.filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.contains(char::is_whitespace) {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            let leads = target.exists()
                && (anchor.is_empty()
                    || anchors(&std::fs::read_to_string(&target).unwrap()).contains(anchor));
            if !leads {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}
