"use client";

import { SignIn } from "./sign-in";
import { Tasks } from "./tasks";

import { authClient } from "@/lib/auth-client";

export default function Page() {
  const { data, isPending } = authClient.useSession();
  if (isPending) return <main aria-busy="true" />;
  return <main>{data ? <Tasks key={data.user.id} name={data.user.name} /> : <SignIn />}</main>;
}
