import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A fresh self-signed certificate for localhost, made by the system's openssl; `moreNames` make it large. */
export function testCertificate(subject = 'localhost', moreNames: readonly string[] = []): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-tls-'))
  try {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const made = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
      '-days',
      '2',
      '-subj',
      `/CN=${subject}`
    ]
    execFileSync(
      'openssl',
      [...made, '-addext', `subjectAltName=${['DNS:localhost', 'IP:127.0.0.1', ...moreNames.map(name => `DNS:${name}`)].join(',')}`],
      { stdio: 'pipe' }
    )
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
