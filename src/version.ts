import { readFileSync } from 'node:fs'

const manifest = new URL(import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json', import.meta.url)

/** As package.json has it. */
export const version: string = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
