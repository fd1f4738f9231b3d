// attack: names of hosts, by the system and by asking servers directly
// stopped by: no network interface but loopback, where nobody answers
// expect: ok
// like: SandboxEval external communication: names
const dns = await import("node:dns/promises");
for (const name of ["example.com", "metadata.google.internal", "host.docker.internal", "kubernetes.default.svc"]) {
  try { console.log("ESCAPED:", name, await dns.lookup(name)); } catch (error) { console.log("HELD:", name, error.code); }
}
for (const server of ["8.8.8.8", "127.0.0.11", "172.17.0.1", "127.0.0.53"]) {
  const resolver = new dns.Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([server]);
  try { console.log("ESCAPED:", server, await resolver.resolve4("example.com")); } catch (error) { console.log("HELD:", server, error.code); }
}
