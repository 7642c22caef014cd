using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .loader)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);

const loader :Workerd.Worker = (
  modules = [(name = "loader", esModule = embed "loader.js")],
  compatibilityDate = "2026-01-01",
  compatibilityFlags = ["experimental"],
  bindings = [(name = "LOADER", workerLoader = (id = "bench"))]
);
