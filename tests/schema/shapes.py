"""Better Auth's tables as its Drizzle and Prisma adapters have them, written as SQL."""

from __future__ import annotations

from dataclasses import dataclass

from betterguard.schema import Layout

DRIZZLE_POSTGRES = """
CREATE SCHEMA IF NOT EXISTS auth;
CREATE TABLE auth.users (id text PRIMARY KEY, name text NOT NULL, email text NOT NULL UNIQUE,
  email_verified boolean NOT NULL DEFAULT false, image text,
  created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now());
CREATE TABLE auth.sessions (id text PRIMARY KEY, expires_at timestamp NOT NULL,
  token text NOT NULL UNIQUE, created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
  ip_address text, user_agent text,
  user_id text NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE);
CREATE TABLE auth.accounts (id text PRIMARY KEY, account_id text NOT NULL,
  provider_id text NOT NULL, user_id text NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
  access_token text, refresh_token text, id_token text, access_token_expires_at timestamp,
  refresh_token_expires_at timestamp, scope text, password text,
  created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE auth.verifications (id text PRIMARY KEY, identifier text NOT NULL,
  value text NOT NULL, expires_at timestamp NOT NULL, created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL);
CREATE TABLE auth.jwkss (id text PRIMARY KEY, public_key text NOT NULL,
  private_key text NOT NULL, created_at timestamp NOT NULL, expires_at timestamp);
INSERT INTO auth.users (id, name, email, created_at, updated_at)
  VALUES ('u1', 'Ada', 'ada@example.org', '2026-03-01 12:30:45.123', '2026-03-01 12:30:45.123');
INSERT INTO auth.accounts (id, account_id, provider_id, user_id, password, created_at, updated_at)
  VALUES ('a1', 'u1', 'credential', 'u1', 'a-hash', '2026-03-01', '2026-03-01');
"""

PRISMA_POSTGRES = """
CREATE TABLE "app_user" (id text PRIMARY KEY, name text NOT NULL, mail text NOT NULL UNIQUE,
  "emailVerified" boolean NOT NULL DEFAULT false, image text,
  "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "updatedAt" timestamp(3) NOT NULL);
CREATE TABLE "session" (id text PRIMARY KEY, "expiresAt" timestamp(3) NOT NULL,
  token text NOT NULL UNIQUE, "createdAt" timestamp(3) NOT NULL, "updatedAt" timestamp(3) NOT NULL,
  "ipAddress" text, "userAgent" text,
  "userId" text NOT NULL REFERENCES "app_user" (id) ON DELETE CASCADE);
CREATE TABLE "account" (id text PRIMARY KEY, "accountId" text NOT NULL,
  "providerId" text NOT NULL, "userId" text NOT NULL REFERENCES "app_user" (id),
  "accessToken" text, "refreshToken" text, "idToken" text, "accessTokenExpiresAt" timestamp(3),
  "refreshTokenExpiresAt" timestamp(3), scope text, password text,
  "createdAt" timestamp(3) NOT NULL, "updatedAt" timestamp(3) NOT NULL);
CREATE TABLE "verification" (id text PRIMARY KEY, identifier text NOT NULL, value text NOT NULL,
  "expiresAt" timestamp(3) NOT NULL, "createdAt" timestamp(3), "updatedAt" timestamp(3));
CREATE TABLE "jwks" (id text PRIMARY KEY, "publicKey" text NOT NULL, "privateKey" text NOT NULL,
  "createdAt" timestamp(3) NOT NULL, "expiresAt" timestamp(3), alg text, crv text);
INSERT INTO "app_user" (id, name, mail, "createdAt", "updatedAt")
  VALUES ('u1', 'Ada', 'ada@example.org', '2026-03-01 12:30:45.123', '2026-03-01 12:30:45.123');
INSERT INTO "account" (id, "accountId", "providerId", "userId", password, "createdAt", "updatedAt")
  VALUES ('a1', 'u1', 'credential', 'u1', 'a-hash', '2026-03-01', '2026-03-01');
"""

DRIZZLE_SQLITE = """
CREATE TABLE user (id text PRIMARY KEY, name text NOT NULL, email text NOT NULL UNIQUE,
  email_verified integer NOT NULL DEFAULT 0, image text,
  created_at integer NOT NULL, updated_at integer NOT NULL);
CREATE TABLE account (id text PRIMARY KEY, account_id text NOT NULL, provider_id text NOT NULL,
  user_id text NOT NULL REFERENCES user (id), access_token text, refresh_token text,
  id_token text, access_token_expires_at integer, refresh_token_expires_at integer, scope text,
  password text, created_at integer NOT NULL, updated_at integer NOT NULL);
INSERT INTO user (id, name, email, created_at, updated_at)
  VALUES ('u1', 'Ada', 'ada@example.org', 1772368245123, 1772368245123);
INSERT INTO account (id, account_id, provider_id, user_id, password, created_at, updated_at)
  VALUES ('a1', 'u1', 'credential', 'u1', 'a-hash', 1772323200000, 1772323200000);
"""


@dataclass(frozen=True)
class Shape:
    """A database as one of Better Auth's adapters makes it, and the layout that fits it."""

    script: str
    layout: Layout

    @property
    def statements(self) -> list[str]:
        """Give the script's statements one by one."""
        return [statement for statement in self.script.split(";\n") if statement.strip()]


DRIZZLE = Shape(
    DRIZZLE_POSTGRES,
    Layout(columns="snake_case", dates="timestamp", plural=True, schema="auth"),
)
PRISMA = Shape(
    PRISMA_POSTGRES,
    Layout(dates="timestamp", tables={"user": "app_user"}, fields={"user": {"email": "mail"}}),
)
DRIZZLE_ON_SQLITE = Shape(DRIZZLE_SQLITE, Layout(columns="snake_case", dates="epoch-ms"))
