/** `mayfly ssh certificate`: a key and its certificate in files, for what cannot use an agent. What `ssh setup --files` has ssh call. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { lstatSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { BrokerError } from 'mayfly/plugin'
import type { AskingCommand } from 'mayfly/plugin'
import { writeOpenSshKey } from '../../format/write-openssh-key.ts'
import { readAccess } from '../access.ts'
import { HeldRecords } from '../held-records.ts'
import { freshUntil } from '../held-certificate.ts'
import { KeptTrust } from '../kept-trust.ts'
import { newCertificate } from '../new-certificate.ts'
import { residentRoles } from '../resident-keys.ts'
import { SshFolder } from '../ssh-folder.ts'
import { residentOptions } from './ssh-agent.ts'

// An ssh reads both within moments of its start.
const pairKeptMs = 60_000

export const sshCertificateCommand: AskingCommand = {
  name: 'ssh certificate',
  summary: 'keep a key and a certificate in files, for what cannot use an agent',
  options: residentOptions,
  details: `The files are ~/.mayfly/ssh/files/id and id-cert.pub, for you alone. Where an agent can be had, mayfly ssh setup needs no file.`,
  examples: ['mayfly ssh certificate --role ops --ttl 10m'],
  async run(call) {
    const folder = new SshFolder(call)
    const access = await readAccess(call)
    new KeptTrust(folder).follow(access, call.broker.address)
    const [role, other] = residentRoles(call, access)
    if (!role) throw new BrokerError('invalid_request', 'no role signs for you: mayfly ssh ls shows what there is')
    if (other)
      throw new BrokerError(
        'invalid_request',
        `several roles sign for you, and one file holds one: choose with --role (${role.role}, ${other.role}, …)`
      )
    const { privateKey } = generateKeyPairSync('ed25519')
    const certificate = await newCertificate(call, role, { ttl: call.option('ttl'), key: privateKey })
    new HeldRecords(folder).put(certificate, call.broker.address, [])
    const line = `ssh-ed25519-cert-v01@openssh.com ${certificate.blob.toString('base64')} mayfly ${certificate.role} ${certificate.serial}\n`
    putFiles(folder, { id: writeOpenSshKey(privateKey, 'mayfly', randomBytes(4)).reveal(), 'id-cert.pub': line })
    const renewAt = freshUntil(certificate) / 1_000
    writeFileSync(folder.file('fresh'), '', { mode: 0o600 })
    utimesSync(folder.file('fresh'), renewAt, renewAt)
    call.screen.say(
      `serial ${certificate.serial} of role ${certificate.role}, for ${certificate.principals.join(', ')}, until ${new Date(certificate.until).toISOString().replace('.000Z', 'Z')}`
    )
  }
}

/** A younger one may be about to be linked by a run beside this one, or be read by an ssh that began before. */
function isOld(pair: string): boolean {
  const there = lstatSync(pair, { throwIfNoEntry: false })
  return there !== undefined && Date.now() - there.mtimeMs > pairKeptMs
}

/** Both at once, by one link: of two runs at a time one wins, and a key never stands beside the certificate of another. */
function putFiles(folder: SshFolder, files: Readonly<Record<string, string>>): void {
  const pair = mkdtempSync(join(folder.made(), 'pair-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(pair, name), text, { mode: 0o600, flag: 'wx' })
  symlinkSync(basename(pair), `${pair}.link`)
  renameSync(`${pair}.link`, folder.file('files'))
  for (const name of readdirSync(folder.path))
    if (name.startsWith('pair-') && name !== basename(pair) && isOld(folder.file(name)))
      rmSync(folder.file(name), { recursive: true, force: true })
}
