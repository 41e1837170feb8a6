/** The SSH engine: certificates for people and hosts, each with a lease, and what hosts need to refuse those that were revoked; and one-time passwords.
 *
 *  issuers/   the keys that sign, in phases
 *  roles/     who is signed for, and what
 *  sign/      from a request to a certificate
 *  krl/       the list of the revoked: rows, publishing, what hosts fetch
 *  otp/       one-time passwords
 *  use/       who asks at a login, and who has logged in
 *  hosts/     enrolling hosts, and what runs there
 *  engineer/  the engineer's own ssh
 *  format/    keys, certificates, lists and signatures as bytes */
import type { BackendType, Path, Plugin } from 'mayfly/plugin'
import { blockedKeyPaths } from './blocked-keys/blocked-key-paths.ts'
import { BlockedKeys } from './blocked-keys/blocked-keys.ts'
import { certificatePaths } from './certificates/certificate-paths.ts'
import { accessPath } from './engineer/access-path.ts'
import { configCaPath } from './issuers/config-ca.ts'
import { configIssuersPath } from './issuers/config-issuers.ts'
import { issuerPaths } from './issuers/issuer-paths.ts'
import { publicKeyPaths } from './issuers/public-key-paths.ts'
import { retireIssuers, retireIssuersTask } from './issuers/retire-issuers.ts'
import { SigningKeys } from './issuers/signing-keys.ts'
import { hostPaths } from './hosts/host-paths.ts'
import { hostTasks } from './hosts/host-tasks.ts'
import { krlPaths } from './krl/krl-paths.ts'
import { PublishedKrl } from './krl/published-krl.ts'
import { publishKrlTask } from './krl/publish-krl.ts'
import { publishKrl } from './krl/schedule-publishing.ts'
import { otpCredsPath } from './otp/creds-path.ts'
import { otpLookupPath } from './otp/lookup-path.ts'
import { otpCredential } from './otp/otp-credential.ts'
import { tidyDynamicKeysPath } from './otp/tidy-path.ts'
import { otpVerifyPath } from './otp/verify-path.ts'
import { zeroAddressPath } from './otp/zero-address-path.ts'
import { rolePaths } from './roles/role-paths.ts'
import { certificateCredential } from './sign/certificate-credential.ts'
import { CertificateGuarantees } from './sign/guarantees.ts'
import { issuePath } from './sign/issue-path.ts'
import { principalsConfigPath } from './sign/root-switch.ts'
import { Serials } from './sign/serials.ts'
import { signPath } from './sign/sign-path.ts'
import { principalsPath } from './use/principals-path.ts'
import { usagePath } from './use/usage-path.ts'
import type { Engine } from './engine.ts'

export const ssh: BackendType = {
  type: 'ssh',
  async open(context) {
    const engine: Engine = {
      context,
      keys: new SigningKeys(context),
      serials: new Serials(context),
      krl: new PublishedKrl(context.storage),
      blockedKeys: new BlockedKeys(context),
      guarantees: new CertificateGuarantees(context)
    }
    return {
      paths: paths(engine),
      credentials: { certificate: certificateCredential(engine), otp: otpCredential },
      tasks: { [publishKrl]: publishKrlTask(engine), [retireIssuers]: retireIssuersTask(context), ...hostTasks(engine) },
      [Symbol.asyncDispose]: async () => engine.keys.forget()
    }
  }
}

function paths(engine: Engine): readonly Path[] {
  return [
    configCaPath(engine),
    configIssuersPath(engine),
    principalsConfigPath,
    ...issuerPaths(engine),
    ...publicKeyPaths,
    ...rolePaths,
    signPath(engine),
    issuePath(engine),
    ...certificatePaths(engine),
    ...blockedKeyPaths(engine),
    ...krlPaths(engine),
    accessPath,
    principalsPath(engine),
    usagePath(engine),
    otpCredsPath(engine),
    otpVerifyPath(engine),
    otpLookupPath,
    zeroAddressPath,
    tidyDynamicKeysPath,
    ...hostPaths(engine)
  ]
}

export const plugin: Plugin = { name: 'ssh', backends: [ssh] }
