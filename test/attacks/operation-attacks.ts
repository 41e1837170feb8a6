import type { Attack } from './attack.ts'

const device = { by: 'root', method: 'PUT', path: '/v1/sys/audit/more', status: 400 } as const
const file = (file_path: string, options: object = {}) => ({ type: 'file', options: { file_path, ...options } })

/** Rows 93 and 96: the trail stays one line per entry, and in its folder. */
export const operationAttacks: readonly Attack[] = [
  ...['/etc/cron.d/x', '../mayfly.yaml', '../data/mayfly.db', 'x\n/etc/passwd', '', '.', '..', '/'].map((path): Attack => ({
    row: 96,
    what: JSON.stringify(path),
    ...device,
    body: file(path),
    says: 'file_path'
  })),
  { row: 96, what: 'a prefix', ...device, body: file('x.log', { prefix: '#!/bin/sh\n' }), says: 'prefix' },
  { row: 96, what: 'mode 0777', ...device, body: file('x.log', { mode: '0777' }), says: 'mode' },
  { row: 96, what: 'raw values', ...device, body: file('x.log', { log_raw: 'true' }), says: 'log_raw' },
  { row: 96, what: 'a socket', ...device, body: { type: 'socket', options: { address: 'evil.example:1' } } },
  { row: 96, what: 'an option nobody knows', ...device, body: file('x.log', { ['x"}\n']: '{canary}' }), says: 'options' },
  ...['a\nb', 'a\u2028b', '\u001b[31ma', '","auth":{"policies":["root"]},"x":"', 'a\\', '\ud800'].flatMap((text): Attack[] => [
    {
      row: 93,
      what: `${JSON.stringify(text)} as a lease`,
      by: 'powerless',
      method: 'PUT',
      path: '/v1/sys/leases/renew',
      body: { lease_id: text },
      status: 403
    },
    {
      row: 93,
      what: `${JSON.stringify(text)} as the name of a field`,
      by: 'powerless',
      method: 'PUT',
      path: '/v1/sys/leases/renew',
      body: { [text]: { [text]: [text] } },
      status: 403
    }
  ])
]
