//! Layers: the folder that becomes `/opt`, and the variables that replace `/opt` where nothing can
//! be mounted.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Folder;
use crate::local::functions_api::zip;
use crate::local::temporary::remove_tree;
use crate::output::Failure;

/// The folder with the content of all layers: of one folder, itself, so that edits are seen;
/// otherwise a copy in `temporary`. A later layer's file replaces an earlier one's, as on Lambda.
pub fn merge(layers: &[PathBuf], temporary: &mut Folder) -> Result<PathBuf, Failure> {
    if let [folder] = layers
        && folder.is_dir()
    {
        return fs::canonicalize(folder).map_err(|error| unreadable(folder, error));
    }
    let merged = temporary.create("opt")?;
    for layer in layers {
        let metadata = fs::metadata(layer).map_err(|error| unreadable(layer, error))?;
        let copied = match metadata.is_dir() {
            true => copy_tree(layer, &merged, temporary.path()),
            false => {
                let unpacked = temporary.create("layer")?;
                unpack(layer, &unpacked)?;
                copy_tree(&unpacked, &merged, temporary.path())
                    .and_then(|()| remove_tree(&unpacked))
            }
        };
        copied.map_err(|error| unreadable(layer, error))?;
    }
    Ok(merged)
}

fn unreadable(layer: &Path, error: io::Error) -> Failure {
    let shown = layer.display();
    Failure::caused(format!("cannot read the layer '{shown}'"), error)
}

fn unpack(layer: &Path, folder: &Path) -> Result<(), Failure> {
    let bytes = fs::read(layer).map_err(|error| unreadable(layer, error))?;
    let unpacked = zip::unpack(&bytes, folder);
    unpacked.map(drop).map_err(|error| {
        let shown = layer.display();
        let text = format!("cannot unpack the layer '{shown}', which is not a folder");
        Failure::caused(
            text,
            match error {
                zip::Error::Malformed(what) => format!("as a zip, {what}"),
                zip::Error::TooLarge => "it is larger than a layer may be".to_string(),
                zip::Error::Refused(what, name) => format!("'{name}': {what}"),
                zip::Error::Write(error) => error.to_string(),
            },
        )
    })
}

/// Copies what is in a folder into another; files that exist are replaced.
fn copy_tree(from: &Path, to: &Path, excluded: Option<&Path>) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if excluded.is_some_and(|excluded| source == excluded) {
            continue; // the copy itself, below the copied folder
        }
        let kind = entry.file_type()?;
        let existing = fs::symlink_metadata(&target).ok();
        let is_folder = existing.as_ref().is_some_and(|found| found.is_dir());
        match existing {
            Some(_) if is_folder && !kind.is_dir() => remove_tree(&target)?,
            Some(_) if !is_folder => fs::remove_file(&target)?,
            _ => {}
        }
        if kind.is_dir() {
            if !is_folder {
                fs::create_dir(&target)?;
            }
            copy_tree(&source, &target, excluded)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
        } else if kind.is_file() {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

/// Variables that make programs look in `layer` as they look in `/opt` on Lambda.
pub fn replace_opt(variables: &mut Vec<(OsString, OsString)>, layer: &Path) {
    replace_folder(variables, "PATH", "/opt/bin", &layer.join("bin"));
    replace_folder(variables, "LD_LIBRARY_PATH", "/opt/lib", &layer.join("lib"));
    for (name, folders) in [
        (
            "NODE_PATH",
            existing(layer, &["nodejs/node_modules"], "nodejs", "node_modules"),
        ),
        (
            "PYTHONPATH",
            existing(layer, &["python"], "python/lib", "site-packages"),
        ),
        ("RUBYLIB", existing(layer, &["ruby/lib"], "", "")),
        ("GEM_PATH", existing(layer, &[], "ruby/gems", ".")),
        (
            "PERL5LIB",
            existing(layer, &["perl5/lib", "perl/lib", "lib/perl5"], "", ""),
        ),
        (
            "PHP_INI_SCAN_DIR",
            existing(layer, &["php/conf.d", "etc/php/conf.d"], "", ""),
        ),
        ("CLASSPATH", existing(layer, &["java/lib"], "", "")),
    ] {
        if let Ok(value) = std::env::join_paths(&folders)
            && !folders.is_empty()
        {
            variables.push((name.into(), value));
        }
    }
}

fn replace_folder(variables: &mut [(OsString, OsString)], name: &str, old: &str, new: &Path) {
    for (known, value) in variables.iter_mut() {
        if known == OsStr::new(name) {
            let folders = std::env::split_paths(value);
            let folders = folders.map(|folder| match folder == Path::new(old) {
                true => new.to_path_buf(),
                false => folder,
            });
            // A folder with a colon in its name cannot be in such a list.
            if let Ok(joined) = std::env::join_paths(folders) {
                *value = joined;
            }
        }
    }
}

/// Those of the folders that exist, and of `parent/*/name`.
fn existing(layer: &Path, folders: &[&str], parent: &str, name: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = folders.iter().map(|folder| layer.join(folder)).collect();
    if !parent.is_empty() {
        let entries = fs::read_dir(layer.join(parent)).into_iter().flatten();
        let mut versions: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        versions.sort();
        found.extend(versions.into_iter().map(|version| match name {
            "." => version,
            name => version.join(name),
        }));
    }
    found.retain(|folder| folder.is_dir());
    found
}

#[cfg(test)]
mod tests {
    use super::{copy_tree, replace_opt};
    use crate::local::temporary::TemporaryFolder;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn copied_layer_replaces_files_links_and_folders() {
        let folder = TemporaryFolder::new("test").expect("a folder");
        let [one, two, to] = ["one", "two", "two/to"].map(|name| folder.contents().join(name));
        for path in [one.join("a"), one.join("b/c"), two.join("b"), to.clone()] {
            fs::create_dir_all(path).expect("a folder");
        }
        for (path, content) in [
            (one.join("a/file"), "1"),
            (one.join("b/c/file"), "1"),
            (one.join("d"), "1"),
            (two.join("a"), "2"),
            (two.join("b/c"), "2"),
        ] {
            fs::write(path, content).expect("a file");
        }
        symlink(one.join("d"), two.join("d")).expect("a link");
        copy_tree(&one, &to, None).expect("copied");
        copy_tree(&two, &to, Some(&to)).expect("copied"); // the copy is below the second one
        let read = |name: &str| fs::read_to_string(to.join(name)).expect("a file");
        assert_eq!((read("a"), read("b/c")), ("2".to_string(), "2".to_string()));
        assert!(
            fs::symlink_metadata(to.join("d"))
                .expect("a link")
                .is_symlink()
        );
        assert_eq!(
            fs::read(one.join("d")).expect("a file"),
            b"1",
            "not written through a link"
        );
        assert!(!to.join("to").exists());
    }

    #[test]
    fn variables_name_the_folder_instead_of_opt() {
        let folder = TemporaryFolder::new("layer").expect("a folder");
        for name in [
            "python/lib/python3.13/site-packages",
            "ruby/gems/3.4.0",
            "python",
        ] {
            fs::create_dir_all(folder.contents().join(name)).expect("a folder");
        }
        let mut variables = vec![
            ("PATH".into(), "/bin:/opt/bin".into()),
            ("LD_LIBRARY_PATH".into(), "/lib64:/opt/lib".into()),
            ("OTHER".into(), "/opt/bin".into()),
        ];
        replace_opt(&mut variables, folder.contents());
        let value = |name: &str| {
            let mut found = variables.iter().filter(|(known, _)| known == name);
            found
                .next()
                .map(|(_, value)| value.to_string_lossy().into_owned())
        };
        let layer = folder.contents().display();
        assert_eq!(value("PATH"), Some(format!("/bin:{layer}/bin")));
        assert_eq!(
            value("LD_LIBRARY_PATH"),
            Some(format!("/lib64:{layer}/lib"))
        );
        assert_eq!(value("OTHER"), Some("/opt/bin".to_string()));
        let python = format!("{layer}/python:{layer}/python/lib/python3.13/site-packages");
        assert_eq!(value("PYTHONPATH"), Some(python));
        assert_eq!(value("GEM_PATH"), Some(format!("{layer}/ruby/gems/3.4.0")));
        assert_eq!(value("NODE_PATH"), None);
    }
}
