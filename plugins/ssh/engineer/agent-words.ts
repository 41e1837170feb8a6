import type { AskingCall } from 'mayfly/plugin'

const names = { role: '--role', mount: '--mount', principals: '--principals', ttl: '--ttl', idle: '--idle' } as const

/** What was typed, for the agent that is started in its place: where the broker is, how it is trusted, and which certificates it shall have. `caFile`: where those are that are trusted. */
export function agentWords(call: AskingCall, caFile?: string): readonly string[] {
  const said = Object.entries(names).flatMap(([name, option]) => {
    const value = call.option(name)
    return value === undefined ? [] : [option, value]
  })
  const ca = caFile ?? call.option('caCert')
  return ['--address', call.broker.address, ...(ca === undefined ? [] : ['--ca-cert', ca]), ...said]
}
