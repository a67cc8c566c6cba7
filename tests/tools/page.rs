//! The page in a real browser: what is typed is checked, rendered and drawn, and nothing leaves it.

use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::browser::Browser;
use crate::programs::{run, target};
use crate::support::root;

const GOOD: &str = "apiVersion: vm.novasphere.dev/v1alpha1
kind: Wukong
metadata: {name: shop, namespace: prod}
spec:
  cpu: 2
  memory: 4Gi
  disks: [{name: root, size: 20Gi, image: quay.io/containerdisks/fedora:42}, {name: orders, size: 80Gi}]
";

/// The text of an element.
fn shown(browser: &mut Browser, selector: &str) -> Result<String> {
    let value = browser.value(&format!("document.querySelector({selector:?}).textContent"))?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

/// Whether all fits into the window, and a picture of it for whoever wants to look.
fn fits(browser: &mut Browser, name: &str, width: u32, height: u32, scheme: &str) -> Result<()> {
    browser.screen(width, height, scheme)?;
    let picture = browser.picture()?;
    fs::write(target().join("page").join(format!("{name}.png")), picture)?;
    let wide = browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth")?;
    ensure!(wide == 0, "{name}: {wide} pixels are outside of the window");
    Ok(())
}

/// Whether nothing of a file has become a part of the page.
fn harmless(browser: &mut Browser) -> Result<()> {
    let made = browser.value("document.querySelectorAll('img, #problems script, #disks script').length")?;
    ensure!(made == 0, "{made} elements come from the file");
    Ok(())
}

pub fn people_write_and_see() -> Result<()> {
    let path = target().join("page/wukong.html");
    run(Command::new(root().join("src/capi/page/build.py")).arg(&path))?;
    let address = format!("file://{}", path.display());
    let mut browser = Browser::open(&address)?;
    browser.screen(1400, 900, "light")?;

    // The starter file.
    browser.until("document.getElementById('told').textContent.startsWith('Valid: ')")?;
    ensure!(shown(&mut browser, "#version")?.contains(env!("CARGO_PKG_VERSION")), "no version");

    // A good file becomes what the command line makes of it.
    browser.write("file", GOOD)?;
    browser.until("document.getElementById('yaml').textContent.includes('shop-vm')")?;
    let file = target().join("page/shop.yaml");
    fs::write(&file, GOOD)?;
    let rendered = crate::support::run(&root(), &["render", "-f", &file.display().to_string()]);
    ensure!(shown(&mut browser, "#yaml")? == crate::support::text(&rendered.stdout), "other manifests");
    browser.value(
        "const chosen = document.getElementById('object'); chosen.value = 'VirtualMachine shop-vm';
        chosen.dispatchEvent(new Event('change'))",
    )?;
    ensure!(!shown(&mut browser, "#yaml")?.contains("kind: DataVolume"), "not one object");

    // Its disks, by the keyboard.
    browser.value("document.getElementById('tab-manifests').focus()")?;
    browser.press("ArrowRight", 39)?;
    browser.until("document.querySelector('#disks svg')?.getBoundingClientRect().height > 100")?;
    let picture = shown(&mut browser, "#disks svg")?;
    ensure!(picture.contains("shop") && picture.contains("orders") && picture.contains("80Gi"), "{picture}");
    let styled = "getComputedStyle(document.querySelector('#disks svg .h')).fontSize";
    ensure!(browser.value(styled)? == "19px", "the picture has lost its style");
    fits(&mut browser, "disks", 1400, 900, "light")?;
    fits(&mut browser, "disks-dark", 390, 844, "dark")?;

    // A bad file: each problem with its place, which a click goes to; the manifests say that they are old.
    browser.write("file", &GOOD.replace("memory: 4Gi", "memory: 4GB").replace("cpu: 2", "cpu: 100"))?;
    browser.until("document.querySelectorAll('#problems li.error').length === 2")?;
    let problem = shown(&mut browser, "#problems li:nth-child(2)")?;
    for part in ["WK106", "line 6, column 11", "  memory: 4GB", "          ^^^", "`4Gi`"] {
        ensure!(problem.contains(part), "{part} is not in {problem}");
    }
    browser.value("document.querySelector('#problems li:nth-child(2) button').click()")?;
    let chosen = "(f => f.value.slice(f.selectionStart, f.selectionEnd))(document.activeElement)";
    ensure!(browser.value(chosen)? == "4GB", "the place is not chosen");
    ensure!(browser.value("document.getElementById('stale').hidden")? == false, "old manifests without a word");
    ensure!(browser.value("document.querySelectorAll('#numbers .error').length")? == 2, "no marks beside the lines");
    browser.value("document.getElementById('tab-manifests').click()")?;
    fits(&mut browser, "problems", 1400, 900, "dark")?;
    fits(&mut browser, "problems-small", 390, 844, "light")?;

    // A file that attacks is text and nothing else.
    let evil = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>";
    let key = format!("{GOOD}  {}: 1\n", serde_json::to_string(evil)?);
    browser.write("file", &key)?;
    browser.until("document.getElementById('problems').textContent.includes('<img src=x')")?;
    harmless(&mut browser)?;
    let name = GOOD.replace("orders", &format!("'{}'", evil.replace('\'', "''")));
    browser.write("file", &name)?;
    browser.until("document.getElementById('problems').textContent.includes('name')")?;
    harmless(&mut browser)?;
    let class = GOOD.replace("size: 80Gi", &format!("size: 80Gi, storageClassName: '{}'", evil.replace('\'', "''")));
    browser.write("file", &class)?;
    browser.until("document.getElementById('problems').textContent.includes('storageClassName')")?;
    harmless(&mut browser)?;
    ensure!(browser.value("document.title")?.as_str().is_some_and(|title| title.starts_with("Wukong")), "{evil}");

    // Nothing at all, and the namespace of a person.
    browser.write("file", "")?;
    browser.until("document.getElementById('problems').textContent.includes('no Wukong document found')")?;
    browser.write("file", &GOOD.replace(", namespace: prod", ""))?;
    browser.write("namespace", "test-7")?;
    browser.until("document.getElementById('yaml').textContent.includes('namespace: test-7')")?;
    ensure!(browser.value("document.getElementById('stale').hidden")? == true, "fresh manifests are called old");

    // A library that stops is told, and the next text is read by a new one.
    browser.value(
        "window.kept = JSON.parse,
        JSON.parse = () => { throw new WebAssembly.RuntimeError('unreachable'); }, 0",
    )?;
    browser.write("file", GOOD)?;
    browser.until("document.getElementById('told').textContent.includes('The library stopped')")?;
    browser.value("JSON.parse = window.kept, 0")?;
    browser.write("file", &GOOD.replace("shop", "store").replace(", namespace: prod", ""))?;
    browser.until("document.getElementById('yaml').textContent.includes('store-vm')")?;

    // The page asked for nothing but itself, and its own policy stopped nothing.
    let strange: Vec<_> =
        browser.heard.iter().filter(|heard| **heard != format!("request {}", Value::from(address.as_str()))).collect();
    ensure!(strange.is_empty(), "{strange:?}");
    Ok(())
}
