import type { BackendType, Plugin } from 'mayfly/plugin'

/** The AWS engine: keys that end. */
const aws: BackendType = {
  type: 'aws',
  // The clients of AWS are 32 MB of memory and 60 ms of a start (measured): only a broker that has a mount of this type pays for them.
  open: async context => (await import('./backend.ts')).openBackend(context)
}

export const plugin: Plugin = { name: 'aws', backends: [aws] }
