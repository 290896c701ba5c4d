//! Tells Tauri which commands exist: a command that is not listed here and granted in `capabilities/` cannot be called.

fn main() {
    let manifest = tauri_build::AppManifest::new().commands(&[]);
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    tauri_build::try_build(attributes).expect("the app's configuration is in order");
}
