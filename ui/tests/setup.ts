import { cleanup } from '@testing-library/svelte';
import { afterEach, beforeEach, vi } from 'vitest';

import { noon } from '../src/stories/cast';

beforeEach(() => {
  vi.useFakeTimers({ now: noon });
  localStorage.clear();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});
