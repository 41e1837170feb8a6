import { createReadStream, existsSync } from 'node:fs'
import { checkFrame } from '../../backup/backup-file.ts'
import type { CliCommand } from '../cli-command.ts'
import { writeNewFile } from '../new-file.ts'
import { UsageError } from '../usage-error.ts'

export const operatorBackup: CliCommand = {
  name: 'operator backup',
  summary: 'write a backup of the store to a file here, sealed, while the server goes on',
  takes: { '<file>': 'a new file; it is there whole or not at all' },
  details: `It is opened by what unseals the server, and by nothing else: keep the seal's key file or shares as well, of the day of the backup, and elsewhere.
What is issued after it is not in it: after a restore targets are compared with the leases (mayfly operator resume --restored).`,
  examples: ['mayfly operator backup mayfly-2026-11-29.backup'],
  run: async invocation => {
    const { typed, terminal } = invocation
    const file = typed.arg(0, 'file')
    if (existsSync(file)) throw new UsageError(`${file} is there already`)
    let header: Awaited<ReturnType<typeof checkFrame>> | undefined
    await writeNewFile(file, await invocation.download('sys/backup'), async draft => {
      header = await checkFrame(createReadStream(draft))
    })
    if (!header) return
    const { seal: _, salt: __, ...told } = header
    if (terminal.format !== 'table') terminal.json({ file, ...told })
    else
      terminal.say(`${file}: the store of ${header.time}, ${Math.ceil(header.bytes / 1_048_576)} MiB, the trail up to line ${header.seq}`)
  }
}
