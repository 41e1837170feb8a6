import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    globalSetup: ['test/targets/global-setup.ts', 'test/targets/moto-setup.ts'],
    // Tests import as Node does: what Node refuses (an enum, an import without an extension) fails here too.
    experimental: { viteModuleRunner: false },
    // None waits that long on a quiet machine; on a busy one a simulated month takes ten times as much.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // A state that is waited for comes within milliseconds; vitest's own second is over when the machine stalls for one.
    expect: { poll: { timeout: 30_000 } },
    maxWorkers: 2
  }
})
