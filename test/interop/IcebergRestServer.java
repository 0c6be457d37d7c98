// SPDX-License-Identifier: Apache-2.0
// Serves a catalog of Iceberg's Java library as a REST catalog, on the loopback interface, by
// the classes that Iceberg's own tests use.
//
//   java -cp JARS IcebergRestServer.java PORT [KEY=VALUE ...]
//
// Keys are those of Iceberg's catalogs (catalog-impl, uri, warehouse, io-impl, s3.*) and
// include-credentials=true, which lends s3.access-key-id and s3.secret-access-key with each
// table. Beside them:
//
//   test.page-size=N  no page of a listing holds more, whatever is asked for
//   test.client=ID    refuse who does not bear the token that this client gets
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.net.InetSocketAddress;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.rest.RESTCatalogAdapter;
import org.apache.iceberg.rest.RESTCatalogServlet;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.servlet.FilterHolder;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;

public class IcebergRestServer {
  // Refuses strangers, and makes pages small.
  static class Gate extends HttpFilter {
    private final Map<String, String> settings;

    Gate(Map<String, String> settings) {
      this.settings = settings;
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response,
                            FilterChain chain) throws IOException, ServletException {
      String client = settings.get("test.client");
      String token = "Bearer client-credentials-token:sub=" + client;
      if (client != null && !request.getRequestURI().endsWith("/v1/oauth/tokens")
          && !token.equals(request.getHeader("Authorization"))) {
        response.setStatus(401);
        response.setContentType("application/json");
        response.getWriter().print("{\"error\":{\"message\":\"who are you?\","
            + "\"type\":\"NotAuthorizedException\",\"code\":401}}");
        return;
      }
      chain.doFilter(new HttpServletRequestWrapper(request) {
        @Override
        public Map<String, String[]> getParameterMap() {
          Map<String, String[]> parameters = new HashMap<>(super.getParameterMap());
          if (settings.containsKey("test.page-size")) {
            String[] size = {settings.get("test.page-size")};
            parameters.computeIfPresent("pageSize", (key, asked) -> size);
          }
          return parameters;
        }
      }, response);
    }
  }

  // The adapter of Iceberg's own server. It has no public constructor.
  static RESTCatalogAdapter adapterOf(Catalog catalog, Map<String, String> settings)
      throws ReflectiveOperationException {
    String rest = "org.apache.iceberg.rest.";
    Constructor<?> context = Class.forName(rest + "RESTCatalogServer$CatalogContext")
        .getDeclaredConstructor(Catalog.class, Map.class);
    context.setAccessible(true);
    Constructor<?> adapter = Class.forName(rest + "RESTServerCatalogAdapter")
        .getDeclaredConstructor(context.getDeclaringClass());
    adapter.setAccessible(true);
    return (RESTCatalogAdapter) adapter.newInstance(context.newInstance(catalog, settings));
  }

  public static void main(String[] args) throws Exception {
    Map<String, String> settings = new HashMap<>();
    for (int i = 1; i < args.length; i++) {
      int equals = args[i].indexOf('=');
      settings.put(args[i].substring(0, equals), args[i].substring(equals + 1));
    }
    Catalog catalog = CatalogUtil.buildIcebergCatalog("firn", settings, new Configuration());
    ServletContextHandler handler =
        new ServletContextHandler(ServletContextHandler.NO_SESSIONS);
    handler.addServlet(
        new ServletHolder(new RESTCatalogServlet(adapterOf(catalog, settings))), "/*");
    handler.addFilter(new FilterHolder(new Gate(settings)), "/*",
                      EnumSet.of(DispatcherType.REQUEST));
    Server server =
        new Server(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])));
    server.setHandler(handler);
    server.start();
    server.join();
  }
}
