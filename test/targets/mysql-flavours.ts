/** The two servers that speak the protocol: where each lies on this machine, and how it is started. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

export type Flavour = 'mariadb' | 'mysql'
export const flavours: readonly Flavour[] = ['mariadb', 'mysql']

export interface MysqlBinaries {
  /** The server's own command, and what comes before its arguments. */
  readonly server: readonly [string, ...string[]]
  /** Fills an empty data folder; without a password for its root, and with no network yet. */
  initialise(data: string, tmp: string): readonly [string, ...string[]]
  readonly arguments: readonly string[]
}

/** Why there is no such server here, or undefined when there is one. */
export function mysqlMissing(flavour: Flavour): string | undefined {
  if (flavour === 'mariadb') return found('mariadbd') ? undefined : 'no mariadbd: apt-get install mariadb-server'
  return mysqlFolder()
    ? undefined
    : 'no MySQL: MAYFLY_MYSQL names no folder with usr/sbin/mysqld in it (test/targets/get-mysql.sh makes one)'
}

export function findMysql(flavour: Flavour): MysqlBinaries {
  const why = mysqlMissing(flavour)
  if (why !== undefined) throw new Error(why)
  return flavour === 'mariadb' ? mariadb() : mysql(mysqlFolder()!)
}

function mariadb(): MysqlBinaries {
  return {
    server: [found('mariadbd')!, '--no-defaults'],
    initialise: (data, tmp) => [
      found('mariadb-install-db')!,
      '--no-defaults',
      `--datadir=${data}`,
      // Two at once take each other's files for their own.
      `--tmpdir=${tmp}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--innodb-log-file-size=16M'
    ],
    arguments: ['--event-scheduler=ON', '--userstat=ON', '--innodb-log-file-size=16M']
  }
}

/** Out of a folder that holds a Debian of its own: its loader and libraries come with it. */
function mysql(folder: string): MysqlBinaries {
  const libraries = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'usr/lib/mysql/private']
  const loader = ['usr/lib64/ld-linux-x86-64.so.2', 'lib64/ld-linux-x86-64.so.2', 'lib/ld-linux-aarch64.so.1'].find(one =>
    existsSync(join(folder, one))
  )
  const server: readonly [string, ...string[]] = [
    join(folder, loader ?? ''),
    '--library-path',
    libraries.map(one => join(folder, one)).join(':'),
    join(folder, 'usr/sbin/mysqld'),
    '--no-defaults',
    `--basedir=${join(folder, 'usr')}`,
    `--lc-messages-dir=${join(folder, 'usr/share/mysql')}`,
    `--character-sets-dir=${join(folder, 'usr/share/mysql/charsets')}`
  ]
  return {
    server,
    initialise: data => [...server, '--initialize-insecure', `--datadir=${data}`],
    arguments: ['--mysqlx=OFF', '--secure-file-priv=NULL', '--skip-log-bin']
  }
}

function mysqlFolder(): string | undefined {
  const folder = process.env['MAYFLY_MYSQL']
  return folder && existsSync(join(folder, 'usr/sbin/mysqld')) ? folder : undefined
}

function found(command: string): string | undefined {
  const { status, stdout } = spawnSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/sbin" command -v ${command}`], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}
