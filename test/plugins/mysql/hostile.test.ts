import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openDriver, soon } from './kit.ts'

const admin = { user: 'mayfly', password: 'Canary-of-the-admin' }

/** Somebody who listens where a database should: `serve` gets each connection. */
async function impostor(serve: (socket: Socket) => void, connect_timeout = 20) {
  const told: Buffer[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => told.push(chunk))
    serve(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  return {
    told: () => Buffer.concat(told).toString('latin1'),
    database: openDriver({ host: '127.0.0.1', port, admin }, { connect_timeout })
  }
}

const packet = (sequence: number, body: Buffer, bytes = body.length): Buffer => {
  const head = Buffer.alloc(4)
  head.writeUIntLE(bytes, 0, 3)
  head[3] = sequence
  return Buffer.concat([head, body])
}

/** As a server of 9.7 that offers no TLS says hello. */
function hello(): Buffer {
  const [capabilities, salt] = [0xdfffffff & ~0x800, Buffer.alloc(20, 'salt')]
  const numbers = Buffer.alloc(8)
  numbers.writeUInt16LE(capabilities & 0xffff, 0)
  numbers[2] = 45
  numbers.writeUInt16LE(2, 3)
  numbers.writeUInt16LE((capabilities >>> 16) & 0xffff, 5)
  numbers[7] = 21
  const greeting = [Buffer.from([10]), Buffer.from('9.7.4\0'), Buffer.from([4, 0, 0, 0]), salt.subarray(0, 8), Buffer.from([0]), numbers]
  return packet(0, Buffer.concat([...greeting, Buffer.alloc(10), salt.subarray(8), Buffer.from('\0caching_sha2_password\0')]))
}

const fine = (sequence: number): Buffer => packet(sequence, Buffer.from([0, 0, 0, 2, 0, 0, 0]))

/** Lets the client in, and answers its first statement with `answer`. */
const letIn = (answer: (socket: Socket) => void) => (socket: Socket) => {
  socket.write(hello())
  socket.once('data', () => {
    socket.write(fine(2))
    socket.once('data', () => answer(socket))
  })
}

/** Writes as fast as the other side reads, until it does not any more. */
function pour(socket: Socket, chunk: Buffer): { readonly bytes: number } {
  const poured = { bytes: 0 }
  const write = () => {
    while (!socket.destroyed && socket.write(chunk)) poured.bytes += chunk.length
  }
  socket.on('drain', write)
  write()
  return poured
}

test('a server that asks for the password in clear text does not get it', async () => {
  const { told, database } = await impostor(socket => {
    socket.write(hello())
    socket.once('data', () => socket.write(packet(2, Buffer.from('\xfemysql_clear_password\0', 'latin1'))))
  })
  await expect(database.check(soon())).rejects.toMatchObject({ name: 'BrokerError', code: expect.stringMatching(/^target_/) })
  expect(told()).toContain('mayfly')
  expect(told()).not.toContain(admin.password)
})

test('a server that asks for a file gets none', async () => {
  const { told, database } = await impostor(
    letIn(socket => {
      socket.write(packet(1, Buffer.from('\xfb/etc/passwd', 'latin1')))
      setTimeout(() => socket.destroy(), 1_000)
    })
  )
  await expect(database.check(soon())).rejects.toMatchObject({ name: 'BrokerError' })
  expect(told()).toContain('version()')
  expect(told()).not.toContain('root:')
})

test('rows without end are cut off, and so is a packet of sixteen megabytes after the other', async () => {
  const column = packet(
    2,
    Buffer.concat([Buffer.from('\x03def\0\0\0\x01a\x01a\x0c', 'latin1'), Buffer.from([45, 0, 0, 1, 0, 0, 0xfd, 0, 0, 0, 0, 0])])
  )
  const rows = Buffer.concat([packet(1, Buffer.from([1])), column, packet(3, Buffer.from([0xfe, 0, 0, 2, 0]))])
  // All numbers of packets there are, beginning with the one that is due.
  const row = Buffer.concat([Buffer.from([0xfc, 0xe8, 0x03]), Buffer.alloc(1_000, 'x')])
  const flooding = Buffer.concat(Array.from({ length: 256 }, (_, n) => packet((n + 4) % 256, row)))
  for (const [opening, flood] of [
    [rows, flooding],
    [Buffer.from([0xff, 0xff, 0xff, 1]), Buffer.alloc(65_536, 'x')]
  ] as const) {
    let poured: { readonly bytes: number } = { bytes: 0 }
    const { database } = await impostor(
      letIn(socket => {
        socket.write(opening)
        poured = pour(socket, flood)
      })
    )
    await expect(database.check(soon())).rejects.toMatchObject({
      code: 'target_refused',
      message: 'the server is not trusted: an answer without end'
    })
    expect(poured.bytes).toBeLessThan(64 * 1024 * 1024)
  }
})

test('one byte at a time runs into the time limit', async () => {
  const { database } = await impostor(socket => {
    const timer = setInterval(() => socket.write('\x01'), 200)
    socket.on('close', () => clearInterval(timer))
  }, 2)
  await expect(database.check(soon())).rejects.toMatchObject({ code: 'target_unreachable' })
})

test('what does not speak MySQL is refused, and its words are not repeated', async () => {
  const { database } = await impostor(socket => socket.end('SSH-2.0-OpenSSH_9.2 some words of theirs\r\n'))
  const error = await database.check(soon()).catch((thrown: unknown) => thrown as Error)
  expect(error).toMatchObject({ name: 'BrokerError', code: expect.stringMatching(/^target_(refused|unreachable)$/) })
  expect((error as Error).message).not.toContain('theirs')
})

test('a server that hangs up is unreachable', async () => {
  const { database } = await impostor(socket => socket.destroy())
  await expect(database.check(soon())).rejects.toMatchObject({ code: 'target_unreachable' })
})
