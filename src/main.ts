/** The composition root: the only file that knows everyone. */
import './plugin-name.ts'
import process from 'node:process'
import { homedir } from 'node:os'
import type { Restore } from './cli/commands/operator-restore.ts'
import type { ServerOptions } from './cli/commands/server.ts'
import { program } from './cli/program.ts'
import { builtInCommands } from './load-plugins.ts'
import { version } from './version.ts'

// Loaded when it is wanted: half of the time that a client command takes to start would go into the server's parts.
const server = async (options: ServerOptions) => (await import('./server.ts')).serverCommand(options)

const restore: Restore = async (options, askShares) => (await import('./restore.ts')).restore(options, askShares)

/** A user of a container may have no name and no home: then there is nothing stored, and nothing can be. */
function home(): string {
  try {
    return homedir()
  } catch {
    return '/nonexistent'
  }
}

const exitCode = await program(
  { server, restore, version, plugins: builtInCommands },
  { stdout: process.stdout, stderr: process.stderr, stdin: process.stdin, env: process.env, homeDir: home() }
).run(process.argv.slice(2))
process.exitCode = exitCode
