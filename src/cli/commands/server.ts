import type { CliCommand } from '../cli-command.ts'
import { UsageError } from '../usage-error.ts'

export interface ServerOptions {
  readonly dev?: boolean
  readonly devRootTokenId?: string
  readonly devListenAddress?: string
  readonly config?: string
}

/** The broker itself; all other commands are clients of one. */
export function serverCommand(serve: (options: ServerOptions) => Promise<number>): CliCommand {
  return {
    name: 'server',
    summary: 'run a broker',
    options: {
      '--config <file>': 'what it serves, where it keeps it, how it is sealed (YAML)',
      '--dev': 'in memory, unsealed, with a root token: for trying out, never for use',
      '--dev-root-token-id <token>': 'the root token of --dev',
      '--dev-listen-address <host:port>': 'where --dev listens (127.0.0.1:8200)'
    },
    examples: ['mayfly server --dev', 'mayfly server --config /etc/mayfly.yaml'],
    run: async ({ typed }) => {
      const texts = {
        devRootTokenId: typed.text('devRootTokenId'),
        devListenAddress: typed.text('devListenAddress'),
        config: typed.text('config')
      }
      if (typed.flag('dev') && texts.config !== undefined) throw new UsageError('config: --dev reads none; say one of the two')
      const said = Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined))
      return serve({ dev: typed.flag('dev'), ...said })
    }
  }
}
