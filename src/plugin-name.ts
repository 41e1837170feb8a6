import { registerHooks } from 'node:module'

// Every plugin means the contracts of the Mayfly that loads it, wherever the plugin lies and whatever copy of Mayfly lies beside it: one BrokerError and
// one Secret in a process. Registered before the first plugin is loaded.
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const own: Readonly<Record<string, string>> = {
  'mayfly/plugin': new URL(`./contracts/index.${extension}`, import.meta.url).href,
  'mayfly/testing': new URL(`../test/contract/index.${extension}`, import.meta.url).href
}

registerHooks({
  resolve(specifier, context, nextResolve) {
    const url = own[specifier]
    return url ? { url, shortCircuit: true } : nextResolve(specifier, context)
  }
})
