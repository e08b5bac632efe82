# HTTPS with passwords: kubeconfigs of `zoe config kubeconfig`, rights, what is forbidden.
serve_people() {
  local name
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=zoe -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
  export ZOE_ADMIN_PASSWORD=admin-password ZOE_CA_FILE=$work/cert.pem
  swarm=sim:nodes=3,cpus=8,memory=16Gi store=memory: auth=password CURL_CA_BUNDLE=$work/cert.pem \
    start_controller --tls-cert "$work/cert.pem" --tls-key "$work/key.pem"
  for name in alice bob; do
    printf 'apiVersion: zoe/v1\nkind: User\nmetadata: {name: %s}\nspec: {password: %s-password}\n' $name $name |
      ZOE_USER=admin ZOE_PASS=admin-password zoe apply -f - >/dev/null
  done
  for name in admin alice; do
    ZOE_CONFIG=$work/zoe-$name.yaml zoe login "$ZOE_SERVER" -u $name --password-stdin <<<"$name-password" >/dev/null
    KUBECONFIG=$work/kubeconfig-$name ZOE_CONFIG=$work/zoe-$name.yaml zoe config kubeconfig --set-current >/dev/null ||
      fail "zoe config kubeconfig for $name"
  done
}
walk_people() {
  local no='Error from server \(Forbidden\): '
  as() { KUBECONFIG=$work/kubeconfig-$1; }
  as alice
  x 0 '' --context zoe get executions
  x 0 '~No resources found in alice namespace\.' get executions
  x 0 '~execution.zoe/a created' apply -f <(execution a)
  x 0 '=alice' get execution a -o jsonpath='{.metadata.namespace}'
  x 0 '=execution.zoe/a unchanged' apply -f <(execution a)
  x 0 '=execution.zoe/a serverside-applied' apply --server-side --force-conflicts -f <(execution a)
  x 1 "~${no}executions\.zoe is forbidden: User \"alice\" cannot list resource \"executions\" in API group \"zoe\" in the namespace \"bob\"" get executions -n bob
  x 1 "~${no}executions\.zoe \"a\" is forbidden: User \"alice\" cannot get resource \"executions\" in API group \"zoe\" in the namespace \"bob\"" get execution a -n bob
  x 1 "~${no}.*User \"alice\" cannot create resource \"executions\" in API group \"zoe\" in the namespace \"bob\"" create -n bob -f <(execution a)
  x 1 "~${no}executions\.zoe is forbidden: User \"alice\" cannot list resource \"executions\" in API group \"zoe\" at the cluster scope" get executions -A
  x 1 "~${no}users\.zoe is forbidden: User \"alice\" cannot list resource \"users\" in API group \"zoe\" at the cluster scope" get users
  x 0 '' get pods
  x 0 '' get events
  x 1 "~${no}pods is forbidden: User \"alice\" cannot list resource \"pods\" in API group \"\" in the namespace \"bob\"" get pods -n bob
  x 0 '=yes' auth can-i create executions
  x 1 '~^no' auth can-i create executions -n bob
  x 1 '~no' auth can-i list users
  x 0 '=yes' auth can-i get pods --subresource=log
  x 0 '~executions\.zoe +.*\[.*create' auth can-i --list
  ! since 28 || x 0 '~Username +alice' auth whoami
  x 1 "~${no}" get executions --as=bob
  x 0 '~"a" deleted' delete execution a
  as admin
  x 0 '~user.zoe/alice.*user.zoe/bob' get users -o name
  x 0 '' get executions -n bob
  x 0 '' get executions -A
  x 0 '=yes' auth can-i delete users
  x 0 '~Username +admin|.' auth can-i --list
  x 1 '~Error from server \((MethodNotAllowed|Forbidden)\)' delete node --all
  sed 's/token: .*/token: nonsense/' "$work/kubeconfig-alice" >"$work/kubeconfig-nobody"
  as nobody
  x 1 '~error: You must be logged in to the server' get executions
  x 0 '' --kubeconfig "$work/kubeconfig-alice" get executions
  sed '/certificate-authority/d' "$work/kubeconfig-alice" >"$work/kubeconfig-stranger"
  as stranger
  x 1 '~x509: certificate signed by unknown authority|certificate' get executions
}
