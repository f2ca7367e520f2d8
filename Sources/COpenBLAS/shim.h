#include <cblas.h>

// LAPACK in OpenBLAS. Debian ships its header apart (liblapacke-dev), which three functions are not worth.
// Column-major; `uplo` is "L" or "U"; `info` is 0 on success, above 0 where the matrix is not positive definite.
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info);
void spotrs_(const char *uplo, const int *n, const int *nrhs, const float *a, const int *lda, float *b,
             const int *ldb, int *info);
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda, double *b,
             const int *ldb, int *info);
// `jobz` "V" for the eigenvectors too, which take the matrix's place; `lwork` numbers of room at `work`.
void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
            const int *lwork, int *info);
