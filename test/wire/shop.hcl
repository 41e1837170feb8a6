path "database/creds/shop" {
  capabilities = ["read"]
}
