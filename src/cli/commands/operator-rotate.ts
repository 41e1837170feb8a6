import type { CliCommand } from '../cli-command.ts'
import { jsonAt } from '../json-at.ts'

export const operatorRotate: CliCommand = {
  name: 'operator rotate',
  summary: 'let a new key seal what is stored from here on',
  details: 'What older keys have sealed is sealed anew in the background; then they go. Watch it with: mayfly operator key-status',
  examples: ['mayfly operator rotate'],
  run: async invocation => {
    await invocation.request('PUT', 'sys/rotate')
    const { data } = await invocation.request('GET', 'sys/key-status')
    invocation.terminal.say(
      `key ${Number(jsonAt(data ?? {}, 'term'))} seals from here on; what older keys have sealed is sealed anew some minutes later (mayfly operator key-status)`
    )
  }
}
