//! The files that stand on the names of metrics, and on one another.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

use crate::busy::{names, promtool, told};
use crate::harness::whisper;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Yaml {
    let documents = YamlLoader::load_from_str(&read(path));
    let mut documents = documents.unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(documents.len(), 1, "{path}");
    documents.remove(0)
}

/// Each alert's name, what raises it, and where is written what to do.
fn alerts() -> Vec<(String, String, String)> {
    let file = yaml("ops/prometheus/alerts.yml");
    let groups = file["groups"].as_vec().expect("groups");
    let rules = groups.iter().flat_map(|group| group["rules"].as_vec().expect("rules"));
    let text = |it: &Yaml| it.as_str().expect("text").to_owned();
    let alert = |rule: &Yaml| {
        let runbook = text(&rule["annotations"]["runbook_url"]);
        (text(&rule["alert"]), text(&rule["expr"]), runbook)
    };
    rules.map(alert).collect()
}

/// All queries of the dashboard, the variables of Grafana replaced.
pub(crate) fn queries() -> Vec<String> {
    let dashboard: Value =
        serde_json::from_str(&read("ops/grafana/whisper.json")).expect("it is JSON");
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.flat_map(|it| it["targets"].as_array().into_iter().flatten());
    let annotations = dashboard["annotations"]["list"].as_array().expect("a list").iter();
    let queries = targets.chain(annotations).map(|it| it["expr"].as_str().expect("a query"));
    let replaced = |query: &str| query.replace("$__rate_interval", "5m").replace("$instance", ".*");
    queries.map(replaced).collect()
}

/// The names of metrics in a query: of the engine's, and of its process.
fn mentioned(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("whisper_") || word.starts_with("process_"))
}

#[test]
fn what_the_dashboard_and_the_alerts_ask_for_is_told() {
    let text = &told().plain;
    let mut names = names(text);
    // What is told of each other node has no value where there is none.
    let of_nodes = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    names.extend(of_nodes.filter(|name| name.starts_with("whisper_cluster_link_")));
    let alerts = alerts();
    let queries = queries();
    assert!(queries.len() > 60 && alerts.len() > 15);
    let asked = alerts.iter().map(|(_, query, _)| query).chain(&queries);
    let asked: BTreeSet<_> = asked.flat_map(|query| mentioned(query)).collect();
    let untold: Vec<_> = asked.difference(&names).collect();
    assert!(untold.is_empty(), "{untold:?} are in no scrape");
    assert!(asked.len() > 60, "{} are asked for", asked.len());
}

#[test]
fn what_is_told_is_written_about() {
    let guide = read("docs/metrics.md");
    let stems = |name: &str| {
        let bare = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let whole = bare.unwrap_or(name).to_owned();
        let short = whole.strip_prefix("whisper").map(str::to_owned);
        [Some(format!("`{whole}`")), short.map(|short| format!("`{short}`"))]
    };
    for name in names(&told().plain) {
        let there = stems(name).into_iter().flatten().any(|name| guide.contains(&name));
        assert!(there, "docs/metrics.md doesn't tell of {name}");
    }
}

#[test]
fn what_is_written_about_is_told() {
    let guide = read("docs/metrics.md");
    let text = &told().plain;
    // Only the first cell of a row names metrics; a label stands in brackets behind its own.
    let cells = guide.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let named = cells.flat_map(|cell| cell.split('`')).filter_map(|word| match word {
        word if word.starts_with('_') => Some(format!("whisper{word}")),
        word if word.contains('_') => Some(word.to_owned()),
        _ => None,
    });
    let untold: Vec<_> = named.filter(|it| !text.contains(&format!("# TYPE {it} "))).collect();
    assert!(untold.is_empty(), "{untold:?} are in no scrape");
}

#[test]
fn the_alerts_are_rules_and_do_what_their_tests_say() {
    let path = |file: &str| root().join("ops/prometheus").join(file).display().to_string();
    promtool(&["check", "config", &path("prometheus.yml")], "").unwrap();
    promtool(&["check", "rules", &path("alerts.yml")], "").unwrap();
    promtool(&["test", "rules", &path("alerts.test.yml")], "").unwrap();
    let tests = read("ops/prometheus/alerts.test.yml");
    for (alert, ..) in alerts() {
        assert!(tests.contains(&format!("\"{alert}\"")), "no test raises {alert}");
    }
}

#[test]
fn the_dashboard_asks_in_the_language_of_prometheus() {
    let rules: Vec<_> = queries()
        .iter()
        .enumerate()
        .map(
            |(number, query)| serde_json::json!({ "record": format!("q:{number}"), "expr": query }),
        )
        .collect();
    // JSON is YAML.
    let file = serde_json::json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("queries.yml");
    fs::write(&path, file.to_string()).expect("a file");
    promtool(&["check", "rules", &path.display().to_string()], "").unwrap();
}

#[test]
fn the_dashboard_is_whole() {
    let dashboard: Value =
        serde_json::from_str(&read("ops/grafana/whisper.json")).expect("it is JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{panel}");
        let at = |side: &str| panel["gridPos"][side].as_u64().expect("a place");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(x < 24 && taken.insert((x, y)), "{} lies on another", panel["title"]);
            }
        }
    }
    let rows = panels.iter().filter(|panel| panel["type"] == "row");
    let rows: Vec<_> = rows.filter_map(|row| row["title"].as_str()).collect();
    for wanted in
        ["Users", "Matching", "Relay", "Reactors", "Safety", "Stores and process", "Cluster"]
    {
        assert!(rows.contains(&wanted), "{rows:?}");
    }
}

#[test]
fn each_alert_has_its_section_in_the_runbook() {
    let operations = read("docs/operations.md");
    let anchors: BTreeSet<_> = operations
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .map(|title| format!("docs/operations.md#{}", title.to_lowercase().replace(' ', "-")))
        .collect();
    for (alert, _, runbook) in alerts() {
        assert!(runbook.ends_with(&alert.to_lowercase()), "{alert}: {runbook}");
        assert!(anchors.contains(&runbook), "{alert}: there is no {runbook}");
    }
}

#[test]
fn the_services_beside_the_engine_find_their_files() {
    let compose = yaml("ops/docker-compose.yml");
    let volumes = compose["volumes"].as_hash().expect("volumes");
    let services = compose["services"].as_hash().expect("services");
    let there: BTreeSet<_> = services.keys().filter_map(Yaml::as_str).collect();
    assert_eq!(there, ["grafana", "haproxy", "postgres", "prometheus", "redis"].into());
    for (name, service) in services {
        let name = name.as_str().expect("a name");
        assert!(service["image"].as_str().is_some_and(|it| it.contains(':')), "{name}: an image");
        for volume in service["volumes"].as_vec().expect("volumes") {
            let volume = volume.as_str().expect("a line");
            let (from, to) = volume.split_once(':').expect("from and to");
            assert!(to.starts_with('/'), "{name}: {volume}");
            // Of this folder, and nothing beside it: the package has it as it is, elsewhere.
            let is_there = match from.strip_prefix("./") {
                Some(path) => !path.contains("..") && root().join("ops").join(path).exists(),
                None => volumes.contains_key(&Yaml::String(from.into())),
            };
            assert!(is_there, "{name}: there is no {from}");
        }
    }
    for file in ["datasources/prometheus.yml", "dashboards/whisper.yml"] {
        let path = format!("ops/grafana/provisioning/{file}");
        assert_eq!(yaml(&path)["apiVersion"].as_i64(), Some(1), "{path}");
    }
}

#[test]
fn the_engine_beside_the_services_is_looked_at_where_it_listens() {
    let settings = root().join("ops/whisper.toml");
    // Whether the client is built is another's to say.
    let site = tempfile::tempdir().expect("a directory");
    fs::write(site.path().join("200.html"), "").expect("a file");
    let checked = whisper()
        .args(["config", "check", "--config"])
        .arg(&settings)
        .arg("--web-root")
        .arg(site.path())
        .output()
        .expect("it runs");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let settings: toml::Table = read("ops/whisper.toml").parse().expect("it is TOML");
    let admin = settings["admin"].as_str().expect("an address");
    assert!(read("ops/prometheus/prometheus.yml").contains(&format!("targets: [\"{admin}\"]")));
    let packaged: toml::Table = read("systemd/whisper.toml").parse().expect("it is TOML");
    assert_eq!(packaged["admin"].as_str(), Some(admin), "Prometheus looks there as well");
    let compose = yaml("ops/docker-compose.yml");
    let door = compose["services"]["haproxy"]["environment"]["WHISPER"].as_str();
    assert_eq!(settings["proxy_protocol"][0].as_str(), door);
    for (url, service) in [
        (settings["redis"][0].as_str(), "redis"),
        (settings["reports"]["url"].as_str(), "postgres"),
    ] {
        let port = url.and_then(|url| url.rsplit(':').next()?.split('/').next());
        let port = port.expect("a port");
        let command = compose["services"][service]["command"].as_vec().expect("a command");
        assert!(command.iter().any(|it| it.as_str().is_some_and(|it| it.contains(port))));
    }
}
