/// <reference types="svelte" />
/// <reference types="vite/client" />

interface Window {
  /** Present inside the app's own window. */
  __TAURI_INTERNALS__?: unknown;
}
