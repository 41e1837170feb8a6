/** Where committed audit lines go besides the store. The trail streams to each sink from a cursor of its own, so one that fails delays no other and
 *  never a revocation. */
export interface AuditSink extends AsyncDisposable {
  readonly name: string
  /** Durable when it resolves. Lines are complete, without their line feed. After a failure the same lines come again. */
  write(lines: readonly string[], signal: AbortSignal): Promise<void>
  /** After a rotation from outside (SIGHUP). */
  reopen?(): Promise<void>
}
