/** The composition root: the only file that knows everyone. */
import './plugin-name.ts'
import process from 'node:process'
import { homedir } from 'node:os'
import { program } from './cli/program.ts'
import { serverCommand } from './server.ts'
import { version } from './version.ts'

const exitCode = await program(
  { server: serverCommand, version },
  { stdout: process.stdout, stderr: process.stderr, stdin: process.stdin, env: process.env, homeDir: homedir() }
).run(process.argv.slice(2))
process.exitCode = exitCode
